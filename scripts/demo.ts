/**
 * `make demo`: three hosts on one bridge, an instance over them, containers placed from each, every
 * step explained in a line. Leaves it up to play with; `make demo-down` removes every trace.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '../test/lab/lab.ts';
import type { LabHost } from '../test/lab/lab-host.ts';
import { startRegistry } from '../test/lab/registry.ts';
import { until } from '../test/lab/shell.ts';

const DIR = '/tmp/caravela-demo';
const lab = new Lab({ name: 'crvdemo', hosts: 3, dir: DIR, hostNames: ['lisboa', 'porto', 'faro'] });
const image = `${lab.bridgeIp}:5000/busybox:1`;
const tools = `${lab.bridgeIp}:5000/tools:1`;
/** A web server of busybox that says where it runs. */
const SHOP = 'mkdir /www; echo "hello from $(hostname -i)" >/www/index.html; exec httpd -f -p 80 -h /www';

const bold = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const dim = (text: string) => (process.stdout.isTTY ? `\u001b[2m${text}\u001b[0m` : text);
const step = (text: string) => console.log(`\n${bold('•')} ${text}`);

/** Shows the command as a user on that host would type it, and what it answered. */
async function on(host: LabHost, args: readonly string[], show = true): Promise<string> {
  console.log(dim(`  ${host.name}$ caravela ${args.map((a) => (/^[\w@%+=:,./-]+$/.test(a) ? a : `'${a}'`)).join(' ')}`));
  const answer = await host.caravela(args);
  const text = `${answer.stdout}${answer.stderr}`.trimEnd();
  if (show && text !== '') console.log(text.replace(/^/gm, '    '));
  if (answer.code !== 0) throw new Error(`caravela ${args.join(' ')} on ${host.name} ended with ${answer.code}${show ? '' : `\n${text}`}`);
  return answer.stdout.trim();
}

/** Asks from a host, as any other machine of the network would. */
async function fetchFrom(host: LabHost, url: string): Promise<void> {
  console.log(dim(`  ${host.name}$ curl ${url}`));
  const ask = `fetch('${url}').then(async (answer) => process.stdout.write(await answer.text()))`;
  const answer = await until(`an answer from ${url}`, async () => {
    const outcome = await host.run([process.execPath, '-e', ask]);
    return outcome.code === 0 && outcome;
  });
  console.log(answer.stdout.trimEnd().replace(/^/gm, '    '));
}

async function up(): Promise<void> {
  const started = performance.now();
  const [lisboa, porto, faro] = lab.hosts as [LabHost, LabHost, LabHost];

  step(`Three hosts (network namespaces on one bridge): ${lab.hosts.map((h) => `${h.name} ${h.ip}`).join(', ')}`);
  await lab.up();

  step(`A registry on the bridge, ${lab.bridgeIp}:5000, with a small busybox image`);
  await startRegistry(lab);

  step('lisboa creates an instance: it makes the keys, and is a node like any other from then on');
  await on(lisboa, ['create', lisboa.ip, '--name', 'lisboa', '--insecure-registry', `${lab.bridgeIp}:5000`], false);
  const { token } = JSON.parse(await on(lisboa, ['token', 'create', '--format', 'json'], false)) as { token: string };

  step('porto and faro join with a token: they know whom they talk to before they send anything');
  for (const host of [porto, faro]) await on(host, ['join', host.ip, lisboa.ip, '--name', host.name, '--token', token], false);
  await until('all three nodes to know each other', async () => {
    const rows = (await faro.ok(['nodes', '--format', 'json'])).split('\n').map((line) => JSON.parse(line) as { state: string });
    return rows.length === 3 && rows.every((row) => row.state === 'alive');
  });
  await on(faro, ['nodes']);

  step('A container from lisboa: any node with room may get it, and only that node decides');
  await on(lisboa, [
    'run',
    '-d',
    '--name',
    'web',
    '--cpus',
    '0.5',
    '--memory',
    '64',
    image,
    'sh',
    '-c',
    'i=0; while :; do i=$((i+1)); echo "hello $i"; sleep 1; done',
  ]);

  step('One from porto and one from faro, spread over the nodes with most room, or where a constraint says');
  await on(porto, ['run', '-d', '--name', 'worker', '--policy', 'spread', '--cpus', '0.25', '--memory', '32', image, 'sleep', '3600']);
  await on(faro, ['run', '-d', '--name', 'pinned', '--constraint', 'node==porto', image, 'sleep', '3600']);

  step('Every node sees all of it');
  await on(porto, ['ps']);

  step('Logs, from a node where the container does not run, too');
  await until('the first lines of web', async () => (await faro.ok(['logs', 'web'])).includes('hello 2'));
  await on(faro, ['logs', '--tail', '2', 'web']);

  step('Containers are on one subnet that reaches across the hosts, and call each other by name');
  await on(lisboa, ['run', '-d', '--name', 'shop', '--constraint', 'node==porto', '-p', '8080:80', tools, 'sh', '-c', SHOP], true);
  await on(porto, ['run', '--rm', '--constraint', 'node==faro', tools, 'ping', '-c', '2', 'shop']);

  step('A published port is served by the node that runs the container, and by the one that was asked for it');
  await on(faro, ['port', 'shop']);
  for (const to of [porto, lisboa]) await fetchFrom(faro, `http://${to.ip}:8080/`);

  step('Why is it there?');
  await on(porto, ['explain', 'web']);

  step('Foreground: output and exit code come back');
  await on(faro, ['run', '--rm', image, 'sh', '-c', 'echo "I ran on a node of the instance"']);

  step('What does not fit is refused with numbers');
  const refused = await porto.caravela(['run', '-d', '--cpus', '64', '--memory', '64', image, 'sleep', '1']);
  console.log(dim('  porto$ caravela run -d --cpus 64 --memory 64 …'));
  console.log(refused.stderr.trimEnd().replace(/^/gm, '    '));
  if (refused.code !== 125) throw new Error(`a request for 64 CPUs ended with ${refused.code}, not 125`);

  step('Stop and remove from anywhere');
  await on(lisboa, ['stop', '-t', '1', 'worker']);
  await on(faro, ['rm', 'worker']);
  await on(lisboa, ['ps', '-a']);

  const host = `unix://${lisboa.socket}`;
  console.log(`
${bold('The instance is up')} (${((performance.now() - started) / 1000).toFixed(0)} s). Try:
  export CARAVELA_HOST=${host}
  ./bin/caravela nodes
  ./bin/caravela run -d --name mine --cpus 1 --memory 128 ${image} sleep 600
  ./bin/caravela ps
  ./bin/caravela logs -f web
  ./bin/caravela inspect mine
Docker's own client works, too:
  DOCKER_HOST=${host} docker ps
And when you are done:
  make demo-down
`);
}

const verb = process.argv[2];
if (verb === 'up') {
  try {
    await up();
  } catch (error) {
    console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
    for (const host of lab.hosts) {
      const log = host.log().trim().split('\n').slice(-5).join('\n');
      if (log !== '') console.error(`\nlast lines of ${host.name}'s daemon log (${join(host.dataDir, 'daemon.log')}):\n${log}`);
    }
    console.error('\nIt is left as it is, to look at. `make demo-down` removes it.');
    process.exitCode = 1;
  }
} else if (verb === 'down') {
  const was = existsSync(DIR);
  await lab.down();
  console.log(was ? 'the demo is gone: hosts, containers, images, registry' : 'there was no demo to take down');
} else {
  console.error('usage: node scripts/demo.ts up|down');
  process.exitCode = 2;
}
