import { type IOType, type SpawnOptions, spawn } from 'node:child_process'

/** The shell replaces itself by the program `$0`, which is killed when its standard input ends. */
const SCRIPT = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$ 2>/dev/null) & exec "$0" "$@" 3<&- </dev/null'

/** Starts a program that ends with this process, even if this one is killed. Its standard input is empty. */
export function spawnBound(
  program: string,
  args: string[],
  { errors = 'ignore', ...options }: Pick<SpawnOptions, 'env'> & { errors?: IOType } = {},
) {
  return spawn('sh', ['-c', SCRIPT, program, ...args], { ...options, stdio: ['pipe', 'ignore', errors] })
}
