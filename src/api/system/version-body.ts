import { API_VERSION, MAX_API_VERSION, MIN_API_VERSION, type Version } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';

/** `GET /version`: of the node that was asked. */
export function versionBody(backend: Backend): Version {
  const host = backend.host();
  const about = {
    Version: backend.version,
    ApiVersion: MAX_API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: backend.self().arch,
    KernelVersion: host.kernelVersion,
    BuildTime: '',
  };
  const { Version: version, ...details } = about;
  return {
    Platform: { Name: 'Caravela' },
    Components: [
      // Docker's client prints the server's lines from here.
      { Name: 'Engine', Version: version, Details: { ...details, BaseApiVersion: API_VERSION, Experimental: 'false' } },
      { Name: host.engineName, Version: host.engineVersion },
    ],
    ...about,
  };
}
