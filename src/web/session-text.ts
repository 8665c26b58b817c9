import { createHash } from 'node:crypto'
import type { Caller } from './caller.js'

export interface Session {
  /** the portal's own: several sessions may share the session of the sign-in service, which is `caller.sid` */
  id: string
  caller: Caller
  /** ms: when it began, when it was last seen (at most a minute old), when the sign-in that led to it began */
  began: number
  seen: number
  since: number
}

type Packed = [
  subject: string,
  sid: string,
  username: string,
  accountId: number,
  userId: number,
  role: Caller['role'],
  orgName: string,
  name: string,
  email: string | null,
  groups: string,
  began: number,
  seen: number,
  since: number,
  id?: string,
  /** 1: the sign-in service left the groups out */
  groupsOmitted?: 1,
]

const GROUP_CHARS = 5
const shorts = new RegExp(`.{${GROUP_CHARS}}`, 'g')

/**
 * What a session cookie holds, short enough that the sealed cookie stays under 1 KB: browsers drop one above 4 KB without
 * a word, and proxies choke before. Long names are cut for show, and a group is five characters of its hash, told apart
 * only among the groups that the configuration names.
 */
export function createSessionText({ issuer, groups: known }: { issuer: string; groups: string[] }) {
  const groupOf = new Map(known.map((group) => [shortOf(group), group]))

  return {
    pack({ id, caller, began, seen, since }: Session): string {
      const { subject, sid = '', username, accountId, userId, role, orgName, name, email, groups } = caller
      const packed: Packed = [
        subject,
        sid,
        username,
        accountId,
        userId,
        role,
        cut(orgName, 60),
        cut(name, 60),
        email !== undefined && Buffer.byteLength(email) <= 100 ? email : null,
        groups.map(shortOf).join(''),
        began,
        seen,
        since,
        id,
      ]
      if (caller.groupsOmitted) packed.push(1)
      return JSON.stringify(packed)
    },

    unpack(text: string): Session {
      const [
        subject,
        sid,
        username,
        accountId,
        userId,
        role,
        orgName,
        name,
        email,
        held,
        began,
        seen,
        since,
        id,
        omitted,
      ] = JSON.parse(text) as Packed
      const groups = (held.match(shorts) ?? [])
        .map((short) => groupOf.get(short))
        .filter((group) => group !== undefined)
      const who = { subject, sid, username, accountId, userId, role, orgName, name, email: email ?? undefined, groups }
      const lacks = omitted ? { groupsOmitted: true } : {}
      // a cookie of an older release has no id
      return { id: id ?? String(began), caller: { kind: 'person', issuer, ...who, ...lacks }, began, seen, since }
    },
  }
}

function shortOf(group: string): string {
  return createHash('sha256').update(group).digest('base64url').slice(0, GROUP_CHARS)
}

/** At most that many bytes, never half a character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  let short = ''
  for (const character of text) {
    if (Buffer.byteLength(short + character) > bytes - 3) break
    short += character
  }
  return `${short}…`
}
