import { spawnSync } from 'node:child_process'

/** The measured processes have one core, and everything that loads or serves them another. */
export const SERVER_CORE = 0
export const CLIENT_CORE = 1

/** Binds a process to one core, so that server and load do not take each other's time. Only Linux can do that. */
export function pin(pid: number | undefined, core: number): void {
  if (process.platform === 'linux') spawnSync('taskset', ['-a', '-cp', String(core), String(pid)], { stdio: 'ignore' })
}
