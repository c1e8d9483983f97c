/** Round steps that an axis from zero to `max` is cut into: about `wanted` of them, ending at or above `max`. */
export function ticks(max: number, wanted = 4): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((times) => times * magnitude >= rough) ?? 10) * magnitude);
  const values = [];
  for (let value = 0; value < max + step; value += step) values.push(value);
  return values;
}

/** Which of many labels fit beside each other: every n-th, the last always. */
export function fitting(count: number, width: number, each: number): (index: number) => boolean {
  const every = Math.max(1, Math.ceil((count * each) / Math.max(1, width)));
  return (index) => (count - 1 - index) % every === 0;
}
