import { Array as ArrayOf, Object as ObjectOf, Optional, String as StringOf, Unknown } from 'typebox';
import { GROUP_POLICIES, LIMITS, type Group } from '../../core/model/index.ts';
import { CREATE_BODY } from '../containers/create-body.ts';
import { checkCreate, checkName } from '../containers/create-request.ts';
import type { Wanted } from '../containers/wanted.ts';
import { ApiError } from '../http/api-error.ts';
import { checked } from '../http/check.ts';

const STACK_BODY = ObjectOf({
  parts: ArrayOf(ObjectOf({ name: Optional(StringOf()), group: Optional(StringOf()), body: Unknown() }), { minItems: 1 }),
  groups: Optional(ArrayOf(ObjectOf({ name: StringOf({ minLength: 1 }), policy: StringOf() }))),
});

/** A part of a stack, checked; its image is looked up next. */
export interface WantedPart {
  /** How errors name it: its name, or its number; '' where it is the only one. */
  readonly label: string;
  /** Undefined: to be drawn. */
  readonly name: string | undefined;
  readonly group: string | undefined;
  readonly wanted: Wanted;
}

export interface WantedStack {
  readonly groups: readonly Group[];
  readonly parts: readonly WantedPart[];
}

/** @throws ApiError 400, 501: one whole sentence that names the part and the value */
export function checkStack(json: unknown): WantedStack {
  const { parts, groups = [] } = checked(STACK_BODY, json ?? {}, 'the body');
  if (parts.length > LIMITS.stack) throw new ApiError(400, `a stack may have at most ${LIMITS.stack} containers, got ${parts.length}`);
  const known = checkGroups(groups);
  const names = new Set<string>();
  return {
    groups: known,
    parts: parts.map(({ name, group, body }, i) => {
      const label =
        name === undefined || name === ''
          ? parts.length === 1
            ? ''
            : `container ${i + 1}`
          : `container ${name.slice(0, LIMITS.longNameBytes)}`;
      return aboutPart(label, () => {
        if (group !== undefined && !known.some((g) => g.name === group)) {
          throw new ApiError(400, `it is in group ${JSON.stringify(group.slice(0, 80))}, which is none of the stack's groups`);
        }
        const given = name === undefined || name === '' ? undefined : checkName(name);
        if (given !== undefined && names.has(given)) throw new ApiError(400, 'another container of the stack has this name, too');
        if (given !== undefined) names.add(given);
        return { label, name: given, group, wanted: checkCreate(checked(CREATE_BODY, body ?? {}, 'the body')) };
      });
    }),
  };
}

/** Puts the part's name before what is said about it. */
export function aboutPart<T>(label: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw namingPart(label, error);
  }
}

export function namingPart(label: string, error: unknown): unknown {
  return error instanceof ApiError && label !== '' ? new ApiError(error.status, `${label}: ${error.message}`, error.facts) : error;
}

function checkGroups(groups: readonly { readonly name: string; readonly policy: string }[]): Group[] {
  if (groups.length > LIMITS.stack) throw new ApiError(400, `a stack may have at most ${LIMITS.stack} groups, got ${groups.length}`);
  return groups.map(({ name, policy }, i) => {
    const shown = JSON.stringify(name.slice(0, 80));
    if (Buffer.byteLength(name) > LIMITS.nameBytes)
      throw new ApiError(400, `a group's name may have ${LIMITS.nameBytes} bytes, got ${shown}`);
    if (groups.findIndex((group) => group.name === name) !== i) throw new ApiError(400, `two groups of the stack are named ${shown}`);
    const found = GROUP_POLICIES.find((p) => p === policy);
    if (found === undefined) {
      throw new ApiError(
        400,
        `the policy of group ${shown} must be ${GROUP_POLICIES.join(' or ')}, got ${JSON.stringify(policy.slice(0, 80))}`,
      );
    }
    return { name, policy: found };
  });
}
