/** Entry point of the signing child: one SignTask as JSON on stdin, one SignAnswer as JSON on stdout. */
import { text } from 'node:stream/consumers';
import { assertNever } from '../../lib/assert.ts';
import { createAuthority, createRequest, signNames, signNode } from './authority.ts';
import type { SignAnswer, SignResults, SignTask } from './sign-task.ts';

// Only the parent writes to our stdin, so the task is trusted to have its type; what it carries from others is not.
const answer = await perform(JSON.parse(await text(process.stdin)) as SignTask).then(
  (result): SignAnswer => ({ ok: true, result }),
  (error: unknown): SignAnswer => ({ ok: false, error: error instanceof Error ? error.message : String(error) }),
);
process.stdout.write(JSON.stringify(answer));

async function perform(task: SignTask): Promise<SignResults[SignTask['kind']]> {
  switch (task.kind) {
    case 'create-authority':
      return createAuthority(task.instanceId);
    case 'create-request':
      return { requestPem: await createRequest(task.privateKeyPem) };
    case 'sign-node':
      return { certificatePem: await signNode(task.authority, task.requestPem, task.nodeId) };
    case 'sign-names':
      return { certificatePem: await signNames(task.authority, task.requestPem, task.dnsNames, task.ips) };
    default:
      return assertNever(task);
  }
}
