import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Times in ms from a line's write to its echo, over an attached connection to a container that runs `cat` on a terminal
 * without echo: one line at a time, so that none waits for another.
 */
export async function echoTimes(socketPath: string, container: string, rounds: number): Promise<readonly number[]> {
  const socket = connect(socketPath);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.write(
    `POST /v1.41/containers/${container}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n`,
  );
  let seen = '';
  let wake = () => {};
  socket.on('data', (data: Buffer) => {
    seen += data.toString('latin1');
    wake();
  });
  let failed: Error | undefined;
  socket.on('close', () => {
    failed = new Error(`the attached connection ended: ${JSON.stringify(seen.slice(-200))}`);
    wake();
  });
  const until = async (what: string) => {
    while (!seen.includes(what)) {
      if (failed !== undefined) throw failed;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
    seen = seen.slice(seen.indexOf(what) + what.length);
  };
  await until('\r\n\r\n');
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const line = `line ${round}.\n`;
    const began = performance.now();
    socket.write(line);
    await until(line);
    times.push(performance.now() - began);
  }
  socket.removeAllListeners('close');
  socket.destroy();
  return times;
}
