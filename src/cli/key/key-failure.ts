/** Exit codes of `maas-portal key`; pipelines rely on them. */
export const exitCodes = { done: 0, rejected: 1, unavailable: 2, waiting: 3 } as const

/**
 * Ends the command. `rejected`: a retry has the same result; `unavailable`: a later run may succeed; `waiting`: the operator must
 * approve first. The message never contains a credential.
 */
export class KeyFailure extends Error {
  readonly code: number
  constructor(kind: Exclude<keyof typeof exitCodes, 'done'>, message: string) {
    super(message)
    this.name = 'KeyFailure'
    this.code = exitCodes[kind]
  }
}
