import {
  Array as ArrayOf,
  Boolean as BooleanOf,
  Integer,
  Null,
  Object as ObjectOf,
  Optional,
  String as StringOf,
  Union,
  type Static,
} from 'typebox';

const word = StringOf({ maxLength: 131_072 });
const words = Optional(Union([ArrayOf(word, { maxItems: 8192 }), Null()]));
const text = Optional(StringOf({ maxLength: 4096 }));
const flag = Optional(BooleanOf());
const consoleSize = Optional(Union([ArrayOf(Integer({ minimum: 0, maximum: 65_535 }), { maxItems: 2 }), Null()]));

export const EXEC_CREATE_BODY = ObjectOf({
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  DetachKeys: text,
  Tty: flag,
  Env: words,
  Cmd: Optional(Union([ArrayOf(word, { maxItems: 8192 }), word, Null()])),
  Privileged: flag,
  User: text,
  WorkingDir: text,
  ConsoleSize: consoleSize,
});
export type ExecCreateBody = Static<typeof EXEC_CREATE_BODY>;

export const EXEC_START_BODY = ObjectOf({ Detach: flag, Tty: flag, ConsoleSize: consoleSize });
export type ExecStartBody = Static<typeof EXEC_START_BODY>;
