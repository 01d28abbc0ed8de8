/** What `docker top` shows. */
export interface ProcessTable {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

/**
 * What `ps` printed, only the lines of these processes; the last column may hold spaces. As dockerd reads it. Pure.
 * @returns undefined where it has no column PID
 */
export function parsePs(output: string, pids: ReadonlySet<number>): ProcessTable | undefined {
  const [header = '', ...lines] = output.split('\n');
  const titles = fields(header);
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) return undefined;
  // Lines of threads (`-m`) have `-` for a pid and follow their process's.
  let isOfOurs = false;
  const processes = lines.flatMap((line) => {
    const values = fields(line);
    const pid = values[pidColumn];
    if (pid === undefined) return [];
    if (pid !== '-') isOfOurs = pids.has(Number(pid));
    const last = titles.length - 1;
    return isOfOurs ? [[...values.slice(0, last), values.slice(last).join(' ')]] : [];
  });
  return { titles, processes };
}

/** A column that only says it is PID would let through what is not of the container. undefined: none does. */
export function falsePid(psArguments: readonly string[]): string | undefined {
  const titled = [...` ${psArguments.join(' ')}`.matchAll(/[\s,]([^\s,=]*)=\s*(PID[^\s,]*)/g)];
  const found = titled.find(([, column]) => column !== 'pid');
  return found === undefined ? undefined : `${found[1]}=${found[2]}`;
}

const fields = (line: string): string[] => line.split(/[ \t]+/).filter((each) => each !== '');
