import { createHash } from 'node:crypto'
import type { Caller } from './caller.js'

export interface Session {
  /** assigned by the portal. Several sessions may share a session of the identity provider, which is `caller.sid`. */
  id: string
  caller: Caller
  /** start of the session, last request (up to a minute earlier), start of the sign-in; ms */
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
  /** 1: the identity provider omitted the groups */
  groupsOmitted?: 1,
]

const GROUP_CHARS = 5
const hashPattern = new RegExp(`.{${GROUP_CHARS}}`, 'g')

/**
 * The content of a session cookie. The encrypted cookie has less than 1 KB, because browsers drop cookies above 4 KB and proxies reject
 * large headers. Long display names are shortened. A group is five characters of its hash, matched against the configured groups.
 */
export function createSessionCodec({ issuer, groups: configured }: { issuer: string; groups: string[] }) {
  const groupOf = new Map(configured.map((group) => [hashGroup(group), group]))

  return {
    encode({ id, caller, began, seen, since }: Session): string {
      const { subject, sid = '', username, accountId, userId, role, orgName, name, email, groups } = caller
      const packed: Packed = [
        subject,
        sid,
        username,
        accountId,
        userId,
        role,
        truncate(orgName, 60),
        truncate(name, 60),
        email !== undefined && Buffer.byteLength(email) <= 100 ? email : null,
        groups.map(hashGroup).join(''),
        began,
        seen,
        since,
        id,
      ]
      if (caller.groupsOmitted) packed.push(1)
      return JSON.stringify(packed)
    },

    decode(text: string): Session {
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
        groupHashes,
        began,
        seen,
        since,
        id,
        omitted,
      ] = JSON.parse(text) as Packed
      const groups = (groupHashes.match(hashPattern) ?? [])
        .map((hash) => groupOf.get(hash))
        .filter((group) => group !== undefined)
      const person = {
        subject,
        sid,
        username,
        accountId,
        userId,
        role,
        orgName,
        name,
        email: email ?? undefined,
        groups,
      }
      const omission = omitted ? { groupsOmitted: true } : {}
      // cookies of earlier releases have no id
      return { id: id ?? String(began), caller: { kind: 'person', issuer, ...person, ...omission }, began, seen, since }
    },
  }
}

function hashGroup(group: string): string {
  return createHash('sha256').update(group).digest('base64url').slice(0, GROUP_CHARS)
}

/** At most that many bytes of whole characters. */
function truncate(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  let short = ''
  for (const character of text) {
    if (Buffer.byteLength(short + character) > bytes - 3) break
    short += character
  }
  return `${short}…`
}
