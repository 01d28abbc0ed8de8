import { type NodeId, nodeId } from '../../core/model/index.ts';

/** The value under MEMBERS_KEY. */
export function formatMembers(members: readonly NodeId[]): string {
  return JSON.stringify({ v: 1, members: members.toSorted() });
}

/** Empty where the value is missing, or of a version that is not known. */
export function parseMembers(value: string | undefined): readonly NodeId[] {
  try {
    const { v, members } = JSON.parse(value ?? '{}') as { readonly v?: unknown; readonly members?: unknown };
    return v === 1 && Array.isArray(members) ? members.map((each) => nodeId(String(each))) : [];
  } catch {
    return [];
  }
}
