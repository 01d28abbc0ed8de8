import type { Settings } from 'node:http2';

/** Bounds of one session between two nodes. Sizes in bytes. */
export const SESSION = {
  /** Requests at a time: logs, attach and exec hold theirs for long. */
  streams: 512,
  /** Of these, kept for messages, so that long requests never starve them. */
  messageStreams: 32,
  /** What a stream may buffer unread: 128 KiB per round trip is 400 MB/s on a LAN. */
  streamWindowBytes: 128 * 1024,
  /** All streams together; every one of them may stall without blocking the others. */
  sessionWindowBytes: 64 * 1024 * 1024,
  headerBytes: 64 * 1024,
} as const;

export const HTTP2_SETTINGS: Settings = {
  enablePush: false,
  initialWindowSize: SESSION.streamWindowBytes,
  maxConcurrentStreams: SESSION.streams,
  maxHeaderListSize: SESSION.headerBytes,
};

/** On answers that the transport itself gave in place of a handler: says why it refused. */
export const REFUSED_HEADER = 'caravela-refused';

/** Where messages are posted. */
export const MESSAGE_PATH = '/message';
