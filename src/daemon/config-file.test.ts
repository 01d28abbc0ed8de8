import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig, readConfigFile } from './config-file.ts';

describe('the configuration file', () => {
  test('is read by sections', () => {
    const config = parseConfig(
      '[node]\nname = "pi-3"\nreserve_cpus = "0.5"\n[node.labels]\nshop = "porto"\n[engine]\nruntime = "crun"\n[log]\nlevel = "debug"\n',
      'c.toml',
    );
    expect(config.node).toEqual({ name: 'pi-3', reserve_cpus: '0.5', labels: { shop: 'porto' } });
    expect(config.engine.runtime).toBe('crun');
    expect(config.log.level).toBe('debug');
    expect(config.instance).toEqual({});
  });

  test.each([
    ['[node]\nnmae = "x"\n', /unknown key node\.nmae; known are name, class/],
    ['[nodes]\n', /unknown section \[nodes\]; known are node, instance, engine, log/],
    ['[node]\nport = 70000\n', /node\.port must be a port, 1 to 65535, got 70000/],
    ['[node]\nclass = "huge"\n', /node\.class must be one of low, high, got "huge"/],
    ['[engine]\nruntime = "kata"\n', /engine\.runtime must be one of crun, runc, got "kata"/],
    ['[instance]\nleases_end_after_days = 0\n', /instance\.leases_end_after_days must be a number of days above 0, at most 36500, got 0/],
    ['[node\n', /c\.toml is not valid TOML/],
    ['[node]\n__proto__ = "x"\n', /unknown key node\.__proto__|not valid TOML/],
  ])('refuses %j, naming the key', (source, message) => {
    expect(() => parseConfig(source, 'c.toml')).toThrow(message);
  });

  test('that is absent is all defaults; one that cannot be read is an error', () => {
    expect(readConfigFile(undefined)).toEqual({ node: {}, instance: {}, engine: {}, log: {} });
    expect(() => readConfigFile('/nonexistent/c.toml')).toThrow(/cannot read the configuration file \/nonexistent\/c\.toml/);
  });

  test('never fails otherwise than by an Error', () => {
    fc.assert(
      fc.property(fc.string(), (source) => {
        try {
          parseConfig(source, 'c.toml');
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).message).toContain('c.toml');
        }
      }),
    );
  });
});
