/** Ms of the digits after a second's point, to the microsecond: moments written in different ways are the same number. */
export function fractionMs(digits: string): number {
  return Math.floor(Number(digits.padEnd(9, '0').slice(0, 9)) / 1000) / 1000;
}
