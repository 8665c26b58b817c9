/** Who sends a request: a signed-in person (cookie) or the bearer of an access token (API). */
export interface Caller {
  kind: 'person' | 'service'
  issuer: string
  subject: string
  /** session of the identity provider, where it told one */
  sid: string | undefined
  /** 3scale user name, made from issuer and subject */
  username: string
  accountId: number
  userId: number
  role: 'admin' | 'member'
  orgName: string
  /** for people to read */
  name: string
  email: string | undefined
  groups: string[]
  /** true: the sign-in service left the groups out because there are too many */
  groupsOmitted?: boolean
  /** API callers only: scopes of the token */
  scopes?: string[]
}

/** Whether somebody looks after the portal: a member of one of these groups. */
export function isOperator(caller: Caller | undefined, operators: string[]): boolean {
  return caller?.kind === 'person' && caller.groups.some((group) => operators.includes(group))
}

/** The portal itself, reading what belongs to an account that the operator named. */
export function ownerOf(accountId: number): Caller {
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

/** Who the sign-in service says it is, before 3scale is asked. */
export interface Identity {
  kind: 'person' | 'service'
  issuer: string
  subject: string
  sid: string | undefined
  name: string
  email: string | undefined
  /** undefined: the sign-in service does not say */
  emailVerified: boolean | undefined
  groups: string[]
  /** true: the sign-in service left the groups out because there are too many */
  groupsOmitted?: boolean
  /** claims that PORTAL_CONFIG names, by that name */
  claims: Record<string, string | string[]>
}
