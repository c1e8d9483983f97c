//! Engines broken on purpose, to see that the tests of syncing notice. There are none in a normal build: without
//! the feature `sim`, [`is`] is a constant.

macro_rules! mutants {
    ($($(#[doc = $doc:literal])+ $name:ident,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mutant {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Mutant {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What is broken.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)*
                }
            }
        }
    };
}

mutants! {
    /// Of a field's values the latest stamp wins, whoever overwrote whom.
    StampsDecideFields,
    /// Of decisions about a mark the latest stamp wins, whoever overwrote whom.
    StampsDecideMarks,
    /// An edit overwrites only the value that shows, not the other one of a conflict.
    OverwritesOnlyTheWinner,
    /// What another version of the code derived is taken as it is.
    NoMaterialiserVersion,
    /// A number or stamp that changed derives nothing anew.
    NoRefold,
    /// Kinds that aren't known are dropped.
    DropsUnknownKinds,
    /// A cell's records are forgotten when the next one comes.
    ForgetsEarlierMarks,
    /// Marks that arrive leave the tallies as they are.
    NoRecount,
    /// Ids of records rise with the clock instead of the stamp.
    IdsByTheClock,
    /// The walk to what waits is moved on while something waits.
    WalksTooFar,
    /// Records are offered before those that they build on.
    EffectsBeforeCauses,
    /// After a reset nothing is offered again.
    ResetOffersNothing,
    /// Any answer is taken, wherever it starts.
    TakesAnyAnswer,
    /// The hub takes any position for one of its own.
    TrustsAnyPosition,
    /// The hub gives a record that it knows another number.
    NumbersTwice,
    /// A clock in the future isn't capped.
    NoCap,
    /// A record that can't be taken fails the whole exchange.
    QuarantineInTheWay,
    /// Records whose causes are missing are taken all the same.
    TakesTheUncaused,
    /// The token stays the same.
    SameTokenForEver,
    /// A record that this node is meant to hold, and doesn't, is passed over.
    SkipsWhatItLacks,
    /// A node that makes way for others moves its position past what it left for later.
    PassesOverTheRest,
    /// Sums that were left for later are forgotten.
    ForgetsSums,
    /// A node whose scope changes isn't given what it wasn't before.
    NeverGivesWhatItWithheld,
}

#[cfg(feature = "sim")]
thread_local! {
    static ON: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Breaks the engine for this thread.
#[cfg(feature = "sim")]
pub fn set(mutant: Option<Mutant>) {
    ON.set(mutant);
}

#[cfg(feature = "sim")]
pub fn is(mutant: Mutant) -> bool {
    ON.get() == Some(mutant)
}

#[cfg(not(feature = "sim"))]
pub const fn is(_: Mutant) -> bool {
    false
}
