/**
 * A runtime's failure in Docker's words. `docker run` tells 127 (no such program) from 126 (can't be
 * run) from 125 by the text, so the forms with `exec: "…":` matter.
 */
export function runtimeMessage(raw: string, program: string): string {
  const text = innermost(raw);
  const quoted = JSON.stringify(program);
  const lower = text.toLowerCase();
  const about = /executable|exec|stat /.test(lower);
  if (/executable file .*not found/.test(lower)) {
    return `${prefix}exec: ${quoted}: executable file not found in $PATH`;
  }
  if (about && lower.includes('permission denied')) return `${prefix}exec: ${quoted}: permission denied`;
  if (about && lower.includes('is a directory')) return `${prefix}exec: ${quoted}: is a directory`;
  if (about && program.includes('/') && lower.includes('no such file or directory')) {
    return `${prefix}exec: ${quoted}: stat ${program}: no such file or directory`;
  }
  return `${prefix}${text}`;
}

const prefix = 'OCI runtime create failed: ';

/** runc logs `time=… level=error msg="runc create failed: …"`, crun plain or as JSON; the last line is the error. */
function innermost(raw: string): string {
  const lines = raw.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((each) => /level=error|"level":"error"/.test(each)) ?? lines.at(-1) ?? 'the runtime failed without a word';
  const logfmt = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  const json = /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  const message = unescape(logfmt ?? json) ?? line.trim();
  return message.replace(/^(?:runc|crun) create failed: /, '').replace(/^unable to start container process: /, '');
}

function unescape(quoted: string | undefined): string | undefined {
  if (quoted === undefined) return undefined;
  try {
    return JSON.parse(`"${quoted}"`) as string;
  } catch {
    return quoted;
  }
}
