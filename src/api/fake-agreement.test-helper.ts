import { type AgreedNode, type AgreedVersion, NO_VERSION, type NodeId } from '../core/model/index.ts';
import type { AgreementRole, AgreementService, AgreementStatus } from './agreement-service.ts';

/** Agreement of one node with itself. */
export class FakeAgreement implements AgreementService {
  async status(): Promise<AgreementStatus> {
    return { hasQuorum: true, version: NO_VERSION, members: [], wanted: 1, isCandidate: true, troubles: [] };
  }

  async snapshot(): Promise<Buffer> {
    return Buffer.from('{}');
  }

  async restore(): Promise<AgreedVersion> {
    return NO_VERSION;
  }

  async recover(): Promise<AgreedVersion> {
    return NO_VERSION;
  }

  async rotateKey(): Promise<void> {}

  role(): AgreementRole {
    return 'none';
  }

  members(): readonly NodeId[] {
    return [];
  }

  nodes(): readonly AgreedNode[] {
    return [];
  }

  async removeNode(nameOrId: string): Promise<AgreedNode> {
    throw new Error(`there is no node ${nameOrId}`);
  }
}
