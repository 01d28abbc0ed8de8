/** About how many offers a hint's level stands for, and the level of a count. */
export const countOf = (level: number): number => (level === 0 ? 0 : 2 ** (level - 1));
export const levelOf = (count: number): number => (count === 0 ? 0 : 1 + Math.round(Math.log2(count)));
