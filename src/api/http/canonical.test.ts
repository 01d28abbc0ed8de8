import { expect, it } from 'vitest';
import { EXEC_CREATE_BODY } from '../containers/exec/exec-body.ts';
import { CREATE_BODY } from '../containers/create-body.ts';
import { checked } from './check.ts';

it('takes a field that is null as one that is not there, as Go does', () => {
  expect(checked(EXEC_CREATE_BODY, { User: null, tty: null, Cmd: ['true'], Env: null, WorkingDir: null }, 'the body')).toEqual({
    Cmd: ['true'],
  });
});

it('takes a null deeper down so, too', () => {
  const body = {
    Image: 'a',
    HostConfig: { NetworkMode: null, RestartPolicy: { Name: null }, Mounts: [{ Type: 'volume', Target: '/a', Source: null }] },
  };
  expect(checked(CREATE_BODY, body, 'the body')).toEqual({
    Image: 'a',
    HostConfig: { RestartPolicy: {}, Mounts: [{ Type: 'volume', Target: '/a' }] },
  });
});

it('keeps the null of a field, over which a later word of another case has said more', () => {
  expect(checked(EXEC_CREATE_BODY, { User: 'a', user: null }, 'the body')).toEqual({ User: 'a' });
});

it('keeps a name under which there is null: a text is empty, anything else stays', () => {
  const body = { Image: 'a', Labels: { a: null }, Volumes: { '/a': null }, ExposedPorts: { '80/tcp': null }, Env: ['A=1', null] };
  expect(checked(CREATE_BODY, body, 'the body')).toEqual({ ...body, Labels: { a: '' }, Env: ['A=1', ''] });
});

it('still refuses what has to be there', () => {
  expect(() => checked(CREATE_BODY, { Image: null }, 'the body')).toThrow(/Image/);
});
