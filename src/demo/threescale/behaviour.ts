/**
 * How the stand-in behaves where a real 3scale's behaviour depends on its database, its load and its timing. `real` is what
 * was measured; `quick` is for a person that tries the demo. `PUT /_demo/behaviour` changes single members.
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
  /** added to each call, outside of its worker: the network and the proxies before 3scale */
  latency_ms: number
  /** that a worker spends on each call, and on each record that it renders; on an application twice */
  call_ms: number
  row_ms: number
  /** requests that are worked on at a time; 0 for any number */
  web_workers: number
  /** `stopped`: connections to the backend are refused, and writes that require it return 500 after they are stored. */
  backend: 'running' | 'stopped'
  /** Time until a change reaches the backend. */
  backend_delay_ms: number
  /** Time until the backend has counted authorized or reported usage. */
  count_delay_ms: number
  /** how long the backend remembers whether an application key is valid */
  app_key_memory_seconds: number
  /** until a webhook is sent, and between the retries of one that was not accepted */
  webhook_delay_ms: number
  webhook_retry_ms: number
}

export type Timing = 'real' | 'quick'

export function behaviourFor(timing: Timing): Behaviour {
  const measured: Behaviour = {
    database: 'mysql',
    check_to_write_ms: 20,
    sign_up_ms: 0,
    default_plan_ms: 300,
    write_ms: 0,
    latency_ms: 0,
    call_ms: 0,
    row_ms: 0,
    web_workers: 0,
    backend: 'running',
    backend_delay_ms: 200,
    count_delay_ms: 5,
    app_key_memory_seconds: 60,
    webhook_delay_ms: 100,
    webhook_retry_ms: 60_000,
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
        webhook_delay_ms: 10,
        webhook_retry_ms: 1000,
      }
}

/** The valid members of `change`, or the name of the first invalid one. */
export function changed(behaviour: Behaviour, change: Record<string, unknown>): Behaviour | { error: string } {
  for (const [name, value] of Object.entries(change)) {
    const previous = behaviour[name as keyof Behaviour]
    if (previous === undefined) return { error: `${name} is not a member of the behaviour` }
    const fits =
      typeof previous === 'number'
        ? typeof value === 'number' && value >= 0
        : (CHOICES[name] ?? []).includes(String(value))
    if (!fits) return { error: `${name} cannot be ${JSON.stringify(value)}` }
  }
  return { ...behaviour, ...change }
}

const CHOICES: Record<string, string[]> = {
  database: ['mysql', 'postgresql'],
  backend: ['running', 'stopped'],
}
