import { parseSize } from '../../lib/size.ts';

/** `--memory-swap`: bytes of a size; −1: no limit. @throws RangeError */
export const parseSwap = (text: string): number => (text === '-1' ? -1 : parseSize(text));
