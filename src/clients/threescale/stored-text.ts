import { isProblem, problem } from '../../errors.js'
import { isBuiltIn } from './built-in-fields.js'
import type { AccountApi, FieldDefinition, Threescale } from './nouns.js'
import { answeredStatus } from './refusals.js'
import { beyondBmp, cannotStore } from './text.js'

/** What is known of a tenant, by its admin address; null: nothing. Shared by replicas, and lost without harm. */
export interface KnownTenants {
  get(adminUrl: string): Promise<{ value: true | null }>
  put(adminUrl: string, value: true): Promise<void>
}

type Texts = Record<string, string | undefined>

/** A user name that nobody has. PostgreSQL refuses the character (500), MySQL compares it (404). */
const NUL = '\u0000'

/**
 * The same client, but a text that the tenant's database cannot hold is `invalid_fields` with a sentence at its field, where
 * 3scale answers 500 as if it were down: MySQL's utf8mb3, 3scale's default, has no characters beyond the Basic Multilingual
 * Plane. That the text was the reason is found out once, by two reads, and remembered for the tenant; from then on such a
 * text is refused without a call. Extra fields are not concerned: they are stored as YAML, which escapes such characters.
 */
export function refuseUnstorableText(api: AccountApi, adminUrl: string, known: KnownTenants): Threescale {
  return {
    ...api,
    checkTexts,
    signUp: (wanted) =>
      guarded(
        {
          org_name: wanted.orgName,
          email: wanted.email,
          ...columns(wanted.fields, 'account'),
          ...columns(wanted.fields, 'user'),
        },
        () => isUser(wanted.username),
        () => api.signUp(wanted),
      ),
    createUser: (accountId, wanted) =>
      guarded(
        { email: wanted.email, ...columns(wanted.fields, 'user') },
        () => isUser(wanted.username),
        () => api.createUser(accountId, wanted),
      ),
    updateUser: (accountId, userId, change) =>
      guarded(
        { email: change.email, ...columns(change.fields, 'user') },
        async () => {
          const user = (await api.listUsers(accountId)).find(({ id }) => id === userId)
          return user !== undefined && isIn({ ...user, ...user.fields }, { ...change, ...change.fields })
        },
        () => api.updateUser(accountId, userId, change),
      ),
    updateAccount: (accountId, fields) =>
      guarded(
        columns(fields, 'account'),
        async () => {
          const account = await api.readAccount(accountId)
          return isIn({ org_name: account.orgName, ...account.fields }, fields)
        },
        () => api.updateAccount(accountId, fields),
      ),
    createApplication: (accountId, wanted) =>
      guarded(
        { name: wanted.name, description: wanted.description },
        async () =>
          (await api.listApplications(accountId)).some(
            ({ appId, userKey }) =>
              appId === wanted.applicationId || (userKey !== undefined && userKey === wanted.userKey),
          ),
        () => api.createApplication(accountId, wanted),
      ),
    updateApplication: (accountId, id, change) =>
      guarded(
        { name: change.name, description: change.description },
        async () => {
          const { name, description } = change
          return isIn({ ...(await api.readApplication(accountId, id)) }, { name, description })
        },
        () => api.updateApplication(accountId, id, change),
      ),
  }

  async function checkTexts(texts: Texts): Promise<void> {
    const fields = sentencesOf(texts)
    if (fields && (await known.get(adminUrl)).value) throw problem('invalid_fields', { fields })
  }

  /** `texts` are columns, `isStored` says whether the write was done although it was answered 500. */
  async function guarded<T>(texts: Texts, isStored: () => Promise<boolean>, write: () => Promise<T>): Promise<T> {
    const fields = sentencesOf(texts)
    if (!fields) return write()
    await checkTexts(texts)
    try {
      return await write()
    } catch (error) {
      if (answeredStatus(error) !== 500 || !(await isTheText(isStored))) throw error
      await known.put(adminUrl, true)
      throw problem('invalid_fields', { fields, cause: error })
    }
  }

  /** A stopped back-end answers 500 too, after it has stored the row; and so does a 3scale that is down. */
  async function isTheText(isStored: () => Promise<boolean>): Promise<boolean> {
    try {
      if (await isStored()) return false
      return await takesNul()
    } catch (error) {
      if (isProblem(error)) return false
      throw error
    }
  }

  /** What stands before 3scale may refuse the character itself; then it counts that 3scale answers a read. */
  async function takesNul(): Promise<boolean> {
    try {
      return (await api.findByUsername(NUL)) === undefined
    } catch (error) {
      if (!isProblem(error, 'internal', 'threescale_denied', 'conflict', 'invalid_fields')) throw error
      await api.readSettings()
      return true
    }
  }

  async function isUser(username: string): Promise<boolean> {
    return (await api.findByUsername(username)) !== undefined
  }
}

/** A sentence for each text that contains such characters; undefined where no text does. */
function sentencesOf(texts: Texts): Record<string, string> | undefined {
  const found = Object.entries(texts).map(([name, text]) => [name, beyondBmp(text ?? '')] as const)
  const faults = found.filter(([, characters]) => characters.length > 0)
  return faults.length === 0
    ? undefined
    : Object.fromEntries(faults.map(([name, characters]) => [name, cannotStore(characters)]))
}

/** Those of a flat form that are columns of that record. */
function columns(fields: Record<string, string> = {}, target: FieldDefinition['target']): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => isBuiltIn(target, name)))
}

function isIn(record: Record<string, unknown>, change: Record<string, unknown>): boolean {
  return Object.entries(change).every(
    ([name, value]) => name === 'fields' || value === undefined || record[name] === value,
  )
}
