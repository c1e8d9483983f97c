//! Numbers that rise strictly for the life of a device, whatever happens to its power.
//!
//! Writing flash at every request would wear it out, so a block of numbers is reserved at a time: flash holds the first
//! number that has *not* been handed out as reserved. After a restart counting goes on from there, so at most one block is
//! skipped and none is ever used twice.

/// Numbers reserved per flash write.
pub const BLOCK: u64 = 256;

/// A rising number whose reserve lives in flash.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    next: u64,
    reserved: u64,
}

impl Counter {
    /// Goes on from the reserve found in flash (0 on a new device).
    #[must_use]
    pub const fn restarted(reserved: u64) -> Self {
        Self { next: reserved, reserved }
    }

    /// The reserve that must be in flash before [`Self::take`] may be called, if the present one is used up.
    #[must_use]
    pub const fn must_reserve(&self) -> Option<u64> {
        if self.next < self.reserved { None } else { Some(self.next.saturating_add(BLOCK)) }
    }

    /// Says that `reserved` is in flash now.
    pub const fn reserved(&mut self, reserved: u64) {
        self.reserved = reserved;
    }

    /// The next number, from 1; `None` while the reserve is used up.
    pub const fn take(&mut self) -> Option<u64> {
        if self.next >= self.reserved {
            return None;
        }
        self.next += 1;
        Some(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rises_through_any_pattern_of_restarts(runs in prop::collection::vec((1_u32..600, any::<bool>()), 1..20)) {
            let mut flash = 0;
            let mut last = 0;
            for (takes, cut_before_write) in runs {
                let mut counter = Counter::restarted(flash);
                for _ in 0..takes {
                    if let Some(reserve) = counter.must_reserve() {
                        if cut_before_write && last > 0 {
                            break;
                        }
                        flash = reserve;
                        counter.reserved(reserve);
                    }
                    let number = counter.take().unwrap();
                    prop_assert!(number > last);
                    prop_assert!(number <= flash);
                    last = number;
                }
            }
        }
    }
}
