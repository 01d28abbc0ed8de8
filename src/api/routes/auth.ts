import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { AuthAnswer } from '../../docker-api/types.ts';
import { ImageError } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { goneSignal } from '../http/pump.ts';
import { credentialsIn, isRegistryAuth } from '../images/registry-auth.ts';
import { API_LIMITS } from '../limits.ts';

const HUB = 'docker.io';
/** What clients call Docker Hub. */
const HUB_NAMES = ['', 'docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** `docker login`: whether the registry takes what the client was given. The client keeps it; this node does not. */
export function authRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post('/auth', async (request, reply): Promise<AuthAnswer> => {
    const body = await readJson(request.body as Readable | undefined, API_LIMITS.registryAuthBytes);
    if (!isRegistryAuth(body)) throw new ApiError(400, 'the body must be a JSON object of texts: username, password, serveraddress');
    const credentials = credentialsIn(body);
    if (credentials === undefined) throw new ApiError(400, 'username and password, or an identitytoken, must be given, got neither');
    const domain = domainOf(body.serveraddress ?? '');
    try {
      await context.backend.images.login(domain, credentials, goneSignal(reply.raw).signal);
    } catch (error) {
      if (error instanceof ImageError && error.code === 'denied') throw new ApiError(401, error.message);
      throw error;
    }
    return { Status: 'Login Succeeded', IdentityToken: '' };
  });
}

/** `https://index.docker.io/v1/` → docker.io; `10.0.0.1:5000` stays. @throws ApiError 400 */
function domainOf(address: string): string {
  const [domain = ''] = address.replace(/^https?:\/\//, '').split('/');
  if (HUB_NAMES.includes(domain)) return HUB;
  if (/^[A-Za-z0-9.:[\]-]+$/.test(domain)) return domain;
  throw new ApiError(
    400,
    `serveraddress must be a registry's name, as registry.example:5000, got ${JSON.stringify(address.slice(0, 120))}`,
  );
}
