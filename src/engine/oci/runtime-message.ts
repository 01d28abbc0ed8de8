/**
 * A runtime's failure in Docker's words. `docker run` tells 127 (no such program) from 126 (can't be
 * run) from 125 by the text, so the forms with `exec: "…":` matter.
 */
export function runtimeMessage(raw: string, program: string, doing: 'create' | 'exec' = 'create'): string {
  const [prefix, suffix] = FRAMES[doing];
  return `${prefix}${inDockersWords(innermost(raw), program)}${suffix}`;
}

const FRAMES = {
  create: ['OCI runtime create failed: ', ''],
  exec: ['OCI runtime exec failed: exec failed: unable to start container process: ', ': unknown'],
} as const;

function inDockersWords(text: string, program: string): string {
  const quoted = JSON.stringify(program);
  const lower = text.toLowerCase();
  const about = /executable|exec|stat /.test(lower);
  if (/executable file .*not found/.test(lower)) {
    return `exec: ${quoted}: executable file not found in $PATH`;
  }
  if (about && lower.includes('permission denied')) return `exec: ${quoted}: permission denied`;
  if (about && lower.includes('is a directory')) return `exec: ${quoted}: is a directory`;
  if (about && program.includes('/') && lower.includes('no such file or directory')) {
    return `exec: ${quoted}: stat ${program}: no such file or directory`;
  }
  return text;
}

/** runc logs `time=… level=error msg="runc create failed: …"`, crun plain or as JSON; the last line is the error. */
function innermost(raw: string): string {
  const lines = raw.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((each) => /level=error|"level":"error"/.test(each)) ?? lines.at(-1) ?? 'the runtime failed without a word';
  const logfmt = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  const json = /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  const message = unescape(logfmt ?? json) ?? line.trim();
  return message.replace(/^(?:(?:runc|crun) create|exec) failed: /, '').replace(/^unable to start container process: /, '');
}

function unescape(quoted: string | undefined): string | undefined {
  if (quoted === undefined) return undefined;
  try {
    return JSON.parse(`"${quoted}"`) as string;
  } catch {
    return quoted;
  }
}
