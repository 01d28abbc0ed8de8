import {
  Array as ArrayOf,
  Boolean as BooleanOf,
  Null,
  Object as ObjectOf,
  Optional,
  Record as RecordOf,
  String as StringOf,
  type TSchema,
  Union,
  Unknown,
} from 'typebox';
import { LIMITS } from '../../core/model/index.ts';
import { ENDPOINT_CONFIG } from '../containers/create-body.ts';
import { ApiError } from '../http/api-error.ts';
import { checked } from '../http/check.ts';
import type { NetworkWish } from '../network-service.ts';
import { ASKABLE_DRIVERS, withAskedDriver } from './asked-driver.ts';
import { isPredefined } from './predefined.ts';

const orNull = <Schema extends TSchema>(schema: Schema) => Optional(Union([schema, Null()]));
const text = orNull(StringOf({ maxLength: 4_096 }));
const flag = orNull(BooleanOf());
const texts = orNull(RecordOf(StringOf({ maxLength: 4_096 }), StringOf({ maxLength: 4_096 })));

const CREATE = ObjectOf({
  Name: StringOf(),
  Driver: text,
  Internal: flag,
  Ingress: flag,
  ConfigOnly: flag,
  ConfigFrom: orNull(ObjectOf({ Network: text })),
  EnableIPv6: flag,
  IPAM: orNull(
    ObjectOf({
      Driver: text,
      Config: orNull(
        ArrayOf(ObjectOf({ Subnet: text, Gateway: text, IPRange: text, AuxiliaryAddresses: Optional(Unknown()) }), { maxItems: 16 }),
      ),
    }),
  ),
  Options: texts,
  Labels: texts,
});

const CONNECT = ObjectOf({ Container: StringOf({ minLength: 1, maxLength: 512 }), EndpointConfig: orNull(ENDPOINT_CONFIG) });
const DISCONNECT = ObjectOf({ Container: StringOf({ minLength: 1, maxLength: 512 }), Force: flag });

export const connectBody = (json: unknown) => checked(CONNECT, json ?? {}, 'the body');
export const disconnectBody = (json: unknown) => checked(DISCONNECT, json ?? {}, 'the body');

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const LOCAL_DRIVERS = ['host', 'null', 'none'];
const MTU = 'mtu';
const DOCKERS_MTU = 'com.docker.network.driver.mtu';

/** What to create, and what of it is left out. @throws ApiError 400, 403, 404, 501 */
export function checkNetwork(json: unknown): { readonly wish: NetworkWish; readonly warnings: readonly string[] } {
  const body = checked(CREATE, json ?? {}, 'the body');
  const { Name: name, Driver } = body;
  if (name !== '' && isPredefined(name))
    throw new ApiError(403, `operation is not permitted on predefined ${name} network: choose another name`);
  if (!NAME.test(name) || name.length > LIMITS.longNameBytes) {
    throw new ApiError(
      400,
      `invalid network name ${JSON.stringify(name.slice(0, 80))}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, up to ${LIMITS.longNameBytes} characters`,
    );
  }
  checkDriver(Driver ?? '');
  const pool = poolOf(body.IPAM);
  const refused: readonly (readonly [boolean | null | undefined, string])[] = [
    [body.EnableIPv6, 'IPv6 on its networks (--ipv6)'],
    [body.Ingress, 'ingress networks (--ingress)'],
    [body.ConfigOnly, 'networks that are only configuration (--config-only)'],
    [(body.ConfigFrom?.Network ?? '') !== '', 'networks made of others’ configuration (--config-from)'],
  ];
  const found = refused.find(([asks]) => asks === true);
  if (found !== undefined) throw new ApiError(501, `Caravela does not have ${found[1]} yet`);
  const options = optionsOf(body.Options ?? {});
  const unknown = Object.keys(options).filter((key) => key !== MTU && key !== DOCKERS_MTU);
  return {
    wish: {
      name,
      subnet: pool.subnet,
      gateway: pool.gateway,
      internal: body.Internal ?? false,
      labels: body.Labels ?? {},
      options: withAskedDriver(options, Driver ?? ''),
    },
    warnings: unknown.length === 0 ? [] : [`Options that mean nothing here are kept and ignored: ${unknown.join(', ').slice(0, 200)}`],
  };
}

function checkDriver(driver: string): void {
  if (ASKABLE_DRIVERS.includes(driver)) return;
  if (LOCAL_DRIVERS.includes(driver)) throw new ApiError(403, `only one instance of "${driver}" network is allowed`);
  throw new ApiError(404, `plugin ${JSON.stringify(driver.slice(0, 80))} not found: every network here is Caravela's; leave --driver out`);
}

type Ipam = { readonly Driver?: string | null | undefined; readonly Config?: readonly Pool[] | null | undefined } | null | undefined;
type Pool = {
  readonly Subnet?: string | null | undefined;
  readonly Gateway?: string | null | undefined;
  readonly IPRange?: string | null | undefined;
  readonly AuxiliaryAddresses?: unknown;
};

function poolOf(ipam: Ipam): { readonly subnet: string | undefined; readonly gateway: string | undefined } {
  const driver = ipam?.Driver ?? '';
  if (driver !== '' && driver !== 'default')
    throw new ApiError(404, `IPAM driver ${JSON.stringify(driver.slice(0, 80))} not found: leave --ipam-driver out`);
  const [pool = {}, ...more] = ipam?.Config ?? [];
  if (more.length > 0)
    throw new ApiError(400, `a network has one subnet, got ${more.length + 1}: make a network of each, a container can be on several`);
  const { Subnet, Gateway, IPRange, AuxiliaryAddresses } = pool;
  if ((IPRange ?? '') !== '') {
    throw new ApiError(
      501,
      `Caravela does not have address ranges within a subnet (--ip-range was ${String(IPRange).slice(0, 80)}): nodes lease blocks of all of it`,
    );
  }
  if (typeof AuxiliaryAddresses === 'object' && AuxiliaryAddresses !== null && Object.keys(AuxiliaryAddresses).length > 0) {
    throw new ApiError(501, 'Caravela does not have reserved addresses (--aux-address): give them to containers with --ip');
  }
  const [subnet, gateway] = [Subnet ?? '', Gateway ?? ''];
  if (`${subnet}${gateway}`.includes('::')) throw new ApiError(501, 'Caravela does not have IPv6 on its networks yet');
  if (gateway !== '' && subnet === '') throw new ApiError(400, `the gateway ${gateway} needs the subnet it is of (--subnet)`);
  return { subnet: subnet === '' ? undefined : subnet, gateway: gateway === '' ? undefined : gateway };
}

/** Docker's own name for the MTU means ours. */
function optionsOf(options: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const mtu = options[DOCKERS_MTU];
  return mtu === undefined || options[MTU] !== undefined ? options : { ...options, [MTU]: mtu };
}
