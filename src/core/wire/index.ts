export { decode, encode, encodedBytes, WIRE_VERSION } from './codec.ts';
export { WireError } from './error.ts';
