import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../http/api-error.ts';
import { changedConfig } from './changes.ts';

describe('changes of an image’s configuration', () => {
  it.each([
    [['CMD echo hi'], {}, { Cmd: ['/bin/sh', '-c', 'echo hi'] }],
    [['cmd ["echo", "hi"]'], {}, { Cmd: ['echo', 'hi'] }],
    [['CMD exit'], { Shell: ['bash', '-e'] }, { Shell: ['bash', '-e'], Cmd: ['bash', '-e', 'exit'] }],
    [['ENTRYPOINT ["/run"]'], { Cmd: ['old'] }, { Entrypoint: ['/run'] }],
    [['CMD ["new"]', 'ENTRYPOINT ["/run"]'], { Cmd: ['old'] }, { Cmd: ['new'], Entrypoint: ['/run'] }],
    [['ENV A=2', 'ENV B the rest'], { Env: ['A=1', 'C=3'] }, { Env: ['A=2', 'C=3', 'B=the rest'] }],
    [
      ['ENV PATH=/usr/bin:$PATH A="$PATH"', 'ENV B $PATH'],
      { Env: ['PATH=/bin'] },
      { Env: ['PATH=/usr/bin:/bin', 'A=/bin', 'B=/usr/bin:/bin'] },
    ],
    [
      ['WORKDIR $DIR', 'USER ${WHO:-nobody}', 'LABEL dir="$DIR"', "LABEL raw='$DIR'", 'CMD echo $DIR', 'VOLUME $DIR/x'],
      { Env: ['DIR=/srv'] },
      {
        Env: ['DIR=/srv'],
        WorkingDir: '/srv',
        User: 'nobody',
        Labels: { dir: '/srv', raw: '$DIR' },
        Cmd: ['/bin/sh', '-c', 'echo $DIR'],
        Volumes: { '/srv/x': {} },
      },
    ],
    [[String.raw`ENV A="x \"y\"" B=c\ d`], {}, { Env: ['A=x "y"', 'B=c d'] }],
    [["LABEL a='1 2' b=x=y"], { Labels: { z: '9' } }, { Labels: { z: '9', a: '1 2', b: 'x=y' } }],
    [['EXPOSE 80 53/UDP'], {}, { ExposedPorts: { '80/tcp': {}, '53/udp': {} } }],
    [['VOLUME ["/a"]', 'VOLUME /b /c'], {}, { Volumes: { '/a': {}, '/b': {}, '/c': {} } }],
    [['WORKDIR /a', 'WORKDIR b'], {}, { WorkingDir: '/a/b' }],
    [['USER 1:2', 'STOPSIGNAL SIGINT', 'ONBUILD RUN x'], {}, { User: '1:2', StopSignal: 'SIGINT', OnBuild: ['RUN x'] }],
    [['HEALTHCHECK NONE'], {}, { Healthcheck: { Test: ['NONE'] } }],
    [
      ['HEALTHCHECK --interval=1m30s --retries=2 CMD ["test", "x"]'],
      {},
      { Healthcheck: { Test: ['CMD', 'test', 'x'], Interval: 90e9, Retries: 2 } },
    ],
    [['HEALTHCHECK CMD curl -f x || exit 1'], {}, { Healthcheck: { Test: ['CMD-SHELL', 'curl -f x || exit 1'] } }],
    [['', '  '], { Cmd: ['sh'] }, { Cmd: ['sh'] }],
    [
      ['ENV A=1\nLABEL b=2\r\n\n# no change\n', 'LABEL c=3 \\\n  d=4\n USER \\ \n me'],
      {},
      { Env: ['A=1'], Labels: { b: '2', c: '3', d: '4' }, User: 'me' },
    ],
  ])('%j', (changes, before, after) => {
    expect(JSON.parse(JSON.stringify(changedConfig(before, changes)))).toEqual(after);
  });

  it.each([
    'FROM x',
    'CMD',
    'RUN x',
    'EXPOSE 99999',
    'EXPOSE http',
    'ENV =x',
    'LABEL a=1 b',
    'HEALTHCHECK --interval=soon CMD x',
    'HEALTHCHECK --what=1s CMD x',
    'HEALTHCHECK x',
  ])('refuses %s', (line) => {
    expect(() => changedConfig({}, [line])).toThrow(ApiError);
  });

  it('answers any text with a configuration or 400', () => {
    const line = fc.tuple(fc.constantFrom('CMD', 'ENV', 'LABEL', 'HEALTHCHECK', 'VOLUME', 'EXPOSE'), fc.string({ maxLength: 60 }));
    fc.assert(
      fc.property(line, ([instruction, rest]) => {
        try {
          expect(typeof changedConfig({}, [`${instruction} ${rest}`])).toBe('object');
        } catch (error) {
          expect(error).toMatchObject({ name: 'ApiError', status: 400 });
        }
      }),
    );
  });
});
