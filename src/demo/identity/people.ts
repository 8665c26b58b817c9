export interface Person {
  username: string
  sub: string
  email?: string
  email_verified?: boolean | string
  name: string
  groups: string[]
  org_name?: string
  [claim: string]: unknown
}

export const PASSWORD = 'demo'

/** The users of the identity provider. Each has the password "demo"; the sign-in page lists some of them. */
export function seedPeople(tenant = 'demo'): Person[] {
  const person = (username: string, name: string, sub: string, extra: Partial<Person> = {}): Person => ({
    username,
    name,
    sub,
    email: `${username}@example.com`,
    email_verified: true,
    groups: ['developers'],
    ...extra,
  })
  return [
    person('ada', 'Ada Lovelace', '5a1d5d3e-0001-4a6f-9d42-000000000001', { org_name: 'Analytical Engines' }),
    person('grace', 'Grace Hopper', '5a1d5d3e-0002-4a6f-9d42-000000000002', { email_verified: false }),
    person('linus', 'Linus Torvalds', '5a1d5d3e-0003-4a6f-9d42-000000000003'),
    person('admin', 'Ann Admin', '5a1d5d3e-0004-4a6f-9d42-000000000004', { groups: ['maas-admins'] }),
    person('mary', 'Mary Shelley', '5a1d5d3e-0005-4a6f-9d42-000000000005', {
      groups: ['developers', 'research'],
      org_name: 'Modern Prometheus',
    }),
    person('pat', 'Pat Paused', '5a1d5d3e-0006-4a6f-9d42-000000000006'),
    person('ben', 'Ben Blocked', '5a1d5d3e-0007-4a6f-9d42-000000000007', { email: 'ben@blocked.example' }),
    person('linus2', 'Linus Again', '5a1d5d3e-0008-4a6f-9d42-000000000008', { email: 'linus@example.com' }),
    { username: 'noorg', name: 'No Mail', sub: '5a1d5d3e-0009-4a6f-9d42-000000000009', groups: [] },
    // owners of the largest accounts of that tenant
    ...(tenant === 'large'
      ? [
          person('max', 'Max Maximal', '5a1d5d3e-0010-4a6f-9d42-000000000010'),
          person('dora', 'Dora Data', '5a1d5d3e-0011-4a6f-9d42-000000000011'),
          person('tess', 'Tess Tests', '5a1d5d3e-0012-4a6f-9d42-000000000012'),
        ]
      : []),
  ]
}

/** Claims as Keycloak's mappers write them. */
export function claimsOf(person: Person): { sub: string } & Record<string, unknown> {
  const { username, name, sub, ...rest } = person
  const [given_name, ...family] = name.split(' ')
  return { ...rest, sub, name, given_name, family_name: family.join(' '), preferred_username: username }
}
