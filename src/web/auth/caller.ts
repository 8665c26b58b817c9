/** The sender of a request: a signed-in person (cookie) or the subject of an access token (API). */
export interface Caller {
  kind: 'person' | 'service'
  issuer: string
  subject: string
  /** session of the identity provider, if it has sessions */
  sid: string | undefined
  /** 3scale username, derived from issuer and subject */
  username: string
  accountId: number
  userId: number
  role: 'admin' | 'member'
  orgName: string
  /** display name */
  name: string
  email: string | undefined
  groups: string[]
  /** true: the identity provider omitted the groups because there are too many */
  groupsOmitted?: boolean
  /** API callers only: scopes of the token */
  scopes?: string[]
}

/** Whether the caller is an operator of the portal: a person in one of these groups. */
export function isOperator(caller: Caller | undefined, operators: string[]): boolean {
  return caller?.kind === 'person' && caller.groups.some((group) => operators.includes(group))
}

/** The portal itself, as a reader of an account that the operator configured. */
export function portalCaller(accountId: number): Caller {
  return {
    kind: 'service',
    issuer: '',
    subject: '',
    sid: undefined,
    username: '',
    accountId,
    userId: 0,
    role: 'member',
    orgName: '',
    name: '',
    email: undefined,
    groups: [],
  }
}

/** A person or service as the identity provider identifies it, before its 3scale account is known. */
export interface Identity {
  kind: 'person' | 'service'
  issuer: string
  subject: string
  sid: string | undefined
  name: string
  email: string | undefined
  /** undefined: the identity provider does not state it */
  emailVerified: boolean | undefined
  groups: string[]
  /** true: the identity provider omitted the groups because there are too many */
  groupsOmitted?: boolean
  /** claims that PORTAL_CONFIG names */
  claims: Record<string, string | string[]>
}
