/** Whether something applies to packets from one station to another, by their indexes. */
export type Links = (from: number, to: number) => boolean;
