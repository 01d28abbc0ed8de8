import { API_VERSION, MAX_API_VERSION, MIN_API_VERSION, type Version } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';

/** `GET /version`: of the node that was asked. */
export function versionBody(backend: Backend): Version {
  const host = backend.host();
  return {
    Platform: { Name: 'Caravela' },
    Components: [
      { Name: 'Engine', Version: backend.version, Details: { ApiVersion: MAX_API_VERSION, BaseApiVersion: API_VERSION } },
      { Name: host.engineName, Version: host.engineVersion },
    ],
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
}
