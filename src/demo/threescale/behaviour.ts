/**
 * How the stand-in behaves where a real 3scale's behaviour depends on its database, its load and its timing. `real` is what
 * was measured; `quick` is for a person who tries the demo. `PUT /_demo/behaviour` changes single members.
 */
export interface Behaviour {
  /** MySQL is 3scale's default: it stores no character beyond the BMP; PostgreSQL stores no NUL */
  database: 'mysql' | 'postgresql'
  /** between the check of a write and the write itself, in which a second request passes the same check */
  check_to_write_ms: number
  /** added to each sign-up, to each default plan that it applies, and to each other write */
  sign_up_ms: number
  default_plan_ms: number
  write_ms: number
  /** requests that are worked on at a time; 0 for any number */
  web_workers: number
  /** `stopped`: connections to the back-end are refused, and writes that touch it answer 500 after they are stored */
  backend: 'running' | 'stopped'
  /** until the back-end knows a change */
  backend_delay_ms: number
  /** until the back-end has counted what it authorised or was reported */
  count_delay_ms: number
  /** how long the back-end remembers whether an application key is valid */
  app_key_memory_seconds: number
}

export type Timing = 'real' | 'quick'

export function behaviourFor(timing: Timing): Behaviour {
  const measured: Behaviour = {
    database: 'mysql',
    check_to_write_ms: 20,
    sign_up_ms: 0,
    default_plan_ms: 300,
    write_ms: 0,
    web_workers: 0,
    backend: 'running',
    backend_delay_ms: 200,
    count_delay_ms: 5,
    app_key_memory_seconds: 60,
  }
  return timing === 'real'
    ? measured
    : {
        ...measured,
        check_to_write_ms: 2,
        default_plan_ms: 0,
        backend_delay_ms: 20,
        count_delay_ms: 0,
        app_key_memory_seconds: 2,
      }
}

/** The members of `change` that are there, with values that fit; names the first that does not. */
export function changed(behaviour: Behaviour, change: Record<string, unknown>): Behaviour | { error: string } {
  for (const [name, value] of Object.entries(change)) {
    const old = behaviour[name as keyof Behaviour]
    if (old === undefined) return { error: `${name} is not a member of the behaviour` }
    const fits =
      typeof old === 'number' ? typeof value === 'number' && value >= 0 : (CHOICES[name] ?? []).includes(String(value))
    if (!fits) return { error: `${name} cannot be ${JSON.stringify(value)}` }
  }
  return { ...behaviour, ...change }
}

const CHOICES: Record<string, string[]> = {
  database: ['mysql', 'postgresql'],
  backend: ['running', 'stopped'],
}
