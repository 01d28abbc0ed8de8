/** Imports point down (DESIGN §3). Each rule names what a room may NOT see. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from, pathNot: '\\.test(-helper)?\\.ts$' },
  to: { path: '^src/', pathNot: [from, ...allowed] },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['^src/bin/', '\\.test\\.ts$', '\\.d\\.ts$'] },
      to: {},
    },
    only('lib-sees-nothing', '^src/lib/', []),
    only('model', '^src/core/model/', ['^src/lib/']),
    only('wire', '^src/core/wire/', ['^src/lib/', '^src/core/model/']),
    only('ring', '^src/core/ring/', ['^src/lib/', '^src/core/model/']),
    only('membership', '^src/core/membership/', ['^src/lib/', '^src/core/model/']),
    only('supplier', '^src/core/supplier/', ['^src/lib/', '^src/core/model/']),
    only('discovery', '^src/core/discovery/', ['^src/lib/', '^src/core/model/', '^src/core/ring/']),
    only('scheduler', '^src/core/scheduler/', ['^src/lib/', '^src/core/model/', '^src/core/ring/', '^src/core/discovery/']),
    only('core', '^src/core/', ['^src/lib/']),
    only('linux', '^src/linux/', ['^src/lib/']),
    only('transport', '^src/transport/', ['^src/lib/', '^src/linux/', '^src/core/(model|wire)/']),
    only('engine', '^src/engine/', ['^src/lib/', '^src/linux/', '^src/core/model/']),
    only('network', '^src/network/', ['^src/lib/', '^src/linux/', '^src/core/model/']),
    only('agreement', '^src/agreement/', ['^src/lib/', '^src/linux/', '^src/core/model/']),
    only('store', '^src/store/', ['^src/lib/', '^src/linux/', '^src/core/model/']),
    only('docker-api', '^src/docker-api/', []),
    only('api', '^src/api/', ['^src/lib/', '^src/docker-api/', '^src/core/model/', '^src/(engine|transport)/port\\.ts$']),
    only('cli', '^src/cli/', ['^src/lib/', '^src/docker-api/']),
    only('sim', '^src/sim/', ['^src/lib/', '^src/core/', '^src/(engine|transport|network|store|agreement)/(fake|port)']),
    {
      name: 'core-has-no-packages',
      severity: 'error',
      from: { path: '^src/(core|lib)/', pathNot: '\\.test(-helper)?\\.ts$' },
      to: { dependencyTypes: ['npm', 'core'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    parser: 'swc',
  },
};
