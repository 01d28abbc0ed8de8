import type { Update } from '../state/update.ts';
import { checkUpdate } from './messages.ts';
import { pack, unpack } from './pack.ts';

/** An update as it travels, between nodes and to one that joins. */
export const packUpdate = (update: Update): Promise<Buffer> => pack(update);

/** @throws Error naming what is wrong */
export const unpackUpdate = async (bytes: Buffer): Promise<Update> => checkUpdate(await unpack(bytes));
