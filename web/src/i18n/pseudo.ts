/**
 * A language that nobody speaks, in debug builds only: every letter of the catalogues gets an accent, and what isn't from
 * a catalogue stays as it is. A test reads all screens in it.
 */
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const accented = "åƀçðéƒĝĥîĵķļḿñöþǫŕšţûṽŵẋýžÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ";

const letters = new Map([...plain].map((letter, i) => [letter, [...accented][i]!]));

export function accent(text: string): string {
  return [...text].map((letter) => letters.get(letter) ?? letter).join("");
}
