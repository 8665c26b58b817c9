import { buildPortal, type UsernameMigration } from '../app.js'
import { isProblem } from '../errors.js'
import { quietConfig } from './command-config.js'
import { namesMessages } from './messages.js'

export interface NamesOptions {
  apply?: boolean
  json?: boolean
  only?: UsernameMigration['kind'][]
  except?: number[]
}

/**
 * Lists 3scale users whose usernames are not signed with the first USERNAME_SECRET and, with `apply`, renames them. Exit codes: 0
 * all usernames are current, 1 users remain, 2 invalid settings or 3scale stopped responding.
 */
export async function names({ apply = false, json = false, only = [], except = [] }: NamesOptions): Promise<void> {
  const config = quietConfig()
  if (!config) {
    process.exitCode = 2
    return
  }
  const portal = await buildPortal(config)
  const users: UsernameMigration[] = []
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
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : summaryOf(counts, apply))
  if (failure !== null) process.stderr.write(namesMessages.stopped(failure))
  process.exitCode = failure !== null ? 2 : counts.rename + counts.review > 0 ? 1 : 0
}

type Counts = Record<UsernameMigration['action'], number>

function countsOf(users: UsernameMigration[]): Counts {
  const counts: Counts = { rename: 0, renamed: 0, excluded: 0, pending_sign_in: 0, review: 0 }
  for (const { action } of users) counts[action]++
  return counts
}

/** JSON escapes control characters, so names from 3scale cannot affect the terminal. */
function lineOf(user: UsernameMigration): string {
  const { action, kind, reason } = user
  const account = `account ${user.account_id} (${user.account_state}) ${printable(user.organisation)}`
  const name = `user ${user.user_id} (${user.user_state} ${user.role}, created ${user.created_at || namesMessages.unknownTime})`
  return `${action.padEnd(16)}${kind.padEnd(14)}${name}, ${account}${reason === null ? '' : `: ${reason}`}`
}

function printable(text: string): string {
  return JSON.stringify(text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}'))
}

function summaryOf({ rename, renamed, excluded, pending_sign_in, review }: Counts, applied: boolean): string {
  const done = applied ? namesMessages.renamed(renamed) : namesMessages.toRename(rename)
  return namesMessages.summary(done, excluded, pending_sign_in, review)
}
