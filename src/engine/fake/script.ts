import type { LogStream } from '../port.ts';

/** A fake process, step by step. In `text`, `\0pwd`, `\0hostname`, `\0uid`, `\0size` and `\0env` stand for the process's own. */
export type Step =
  | { readonly kind: 'write'; readonly stream: LogStream; readonly text: string }
  | { readonly kind: 'sleep'; readonly ms: number }
  /** Input to output, until the input ends. */
  | { readonly kind: 'copy' }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'trap'; readonly signals: readonly string[]; readonly steps: readonly Step[] }
  | { readonly kind: 'forever'; readonly steps: readonly Step[] };

const FOREVER_MS = 2 ** 31 - 1;
const SHELLS = ['sh', '/bin/sh'];

/** @throws UnknownProgram for a command we can't play: to a fake it is missing from the image */
export function parseScript(argv: readonly string[]): Step[] {
  const [program = '', flag, script] = argv;
  if (!SHELLS.includes(program)) return parseCommand(argv);
  return flag === '-c' && script !== undefined ? parseShell(script) : [{ kind: 'sleep', ms: FOREVER_MS }];
}

/** Whether `parseScript` knows the program. */
export function canPlay(argv: readonly string[]): boolean {
  try {
    parseScript(argv);
    return true;
  } catch (error) {
    if (error instanceof UnknownProgram) return false;
    throw error;
  }
}

class UnknownProgram extends Error {
  override name = 'UnknownProgram';
}

function parseCommand(argv: readonly string[]): Step[] {
  const [path = '', ...words] = argv;
  const [stream, args]: [LogStream, string[]] = words.at(-1) === '>&2' ? ['stderr', words.slice(0, -1)] : ['stdout', words];
  const write = (text: string): Step[] => [{ kind: 'write', stream, text }];
  switch (path.slice(path.lastIndexOf('/') + 1)) {
    case 'true':
      return [];
    case 'false':
      return [{ kind: 'exit', code: 1 }];
    case 'echo':
      return write(`${args.join(' ')}\n`);
    case 'printf':
      return write(args.join(' ').replaceAll(String.raw`\n`, '\n'));
    case 'sleep':
      return [{ kind: 'sleep', ms: Math.min(Math.round(Number(args[0]) * 1_000) || FOREVER_MS, FOREVER_MS) }];
    case 'cat':
      return [{ kind: 'copy' }];
    case 'stty':
      return write('\0size\n');
    case 'exit':
      return [{ kind: 'exit', code: Number(args[0] ?? 0) & 0xff }];
    case 'pwd':
      return write('\0pwd\n');
    case 'hostname':
      return write('\0hostname\n');
    case 'env':
      return write('\0env');
    case 'id':
      return write('\0uid\n');
    case 'trap':
      return [{ kind: 'trap', signals: args.slice(1), steps: parseShell(args[0] ?? '') }];
    default:
      throw new UnknownProgram(path);
  }
}

/** Commands between semicolons, with double or single quotes, and one `while true; do …; done` at the end. */
function parseShell(script: string): Step[] {
  const loop = /^(.*?)(?:^|;)\s*while (?:true|:);\s*do (.*);\s*done\s*$/s.exec(script);
  if (loop !== null) return [...parseShell(loop[1] ?? ''), { kind: 'forever', steps: parseShell(loop[2] ?? '') }];
  return splitOutsideQuotes(script, ';').flatMap((command) => {
    const words = splitOutsideQuotes(command.trim(), ' ').map((word) => word.replace(/^(["'])(.*)\1$/s, '$2'));
    return words[0] === undefined || words[0] === '' ? [] : parseCommand(words);
  });
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [''];
  let quote = '';
  for (const char of text) {
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    if (char === separator && quote === '') parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.filter((part) => part.trim() !== '');
}
