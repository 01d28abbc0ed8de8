export { decode, encode, encodedBytes, WIRE_VERSION } from './codec.ts';
