import { buildPortal, type Renaming } from '../app.js'
import { isProblem } from '../errors.js'
import { quietConfig } from './quiet-config.js'

export interface NamesOptions {
  apply?: boolean
  json?: boolean
  only?: Renaming['kind'][]
  except?: number[]
}

/**
 * Lists the users of 3scale whose names are not under the first USERNAME_SECRET and, with `apply`, renames them. Exit code: 0
 * nothing is left to do, 1 something is, 2 the settings are wrong or 3scale stopped answering.
 */
export async function names({ apply = false, json = false, only = [], except = [] }: NamesOptions): Promise<void> {
  const config = quietConfig()
  if (!config) {
    process.exitCode = 2
    return
  }
  const portal = await buildPortal(config)
  const users: Renaming[] = []
  let failure: string | null = null
  try {
    for await (const user of portal.renaming({ apply, kinds: only, except })) {
      users.push(user)
      if (!json) process.stdout.write(`${lineOf(user)}\n`)
    }
  } catch (error) {
    if (!isProblem(error)) throw error
    failure = error.cause instanceof Error ? error.cause.message : error.message
  } finally {
    await portal.stop()
  }
  const counts = countsOf(users)
  const report = {
    tenant: config.threescale.adminUrl,
    applied: apply,
    complete: failure === null,
    failure,
    counts,
    users,
  }
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${summaryOf(counts, apply)}\n`)
  if (failure !== null) process.stderr.write(`Stopped: ${failure}. Run the command again to continue.\n`)
  process.exitCode = failure !== null ? 2 : counts.rename + counts.review > 0 ? 1 : 0
}

type Counts = Record<Renaming['action'], number>

function countsOf(users: Renaming[]): Counts {
  const counts: Counts = { rename: 0, renamed: 0, kept: 0, waits: 0, review: 0 }
  for (const { action } of users) counts[action]++
  return counts
}

/** JSON text has no control characters, so that the name of an organisation does nothing in a terminal. */
function lineOf(user: Renaming): string {
  const { action, kind, reason } = user
  const account = `account ${user.account_id} (${user.account_state}) ${printable(user.organisation)}`
  const who = `user ${user.user_id} (${user.user_state} ${user.role}, created ${user.created_at || 'at an unknown time'})`
  return `${action.padEnd(8)}${kind.padEnd(11)}${who}, ${account}${reason === null ? '' : `: ${reason}`}`
}

function printable(text: string): string {
  return JSON.stringify(text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}'))
}

function summaryOf({ rename, renamed, kept, waits, review }: Counts, applied: boolean): string {
  const done = applied ? `${renamed} renamed` : `${rename} to rename with --apply`
  return `${done}, ${kept} kept, ${waits} renamed at their next sign-in, ${review} to review.`
}
