import { isProblem, problem } from '../../../errors.js'
import { responseStatus } from '../requests/errors.js'
import type { AccountApi, FieldDefinition, Threescale } from '../types.js'
import { isBuiltIn } from './built-in-fields.js'
import { textMessages } from './messages.js'
import { beyondBmp } from './text-limits.js'

/** Which tenants cannot store such text, by admin URL; null: not known. Shared by replicas, and safe to lose. */
export interface KnownTenants {
  get(adminUrl: string): Promise<{ value: true | null }>
  put(adminUrl: string, value: true): Promise<void>
}

type Texts = Record<string, string | undefined>

/** No user has this name. PostgreSQL rejects the character (500), MySQL compares it (404). */
const NUL = '\u0000'

/**
 * The same client, but text that the tenant's database cannot store is `invalid_fields` with a message for its field, where 3scale
 * returns 500 as if it were down: MySQL's utf8mb3, 3scale's default, has no characters beyond the Basic Multilingual Plane. Two reads
 * after the first such failure show whether the text was the reason. The result is remembered for the tenant, and from then on such a
 * text is rejected without a call. Extra fields are not affected: 3scale stores them as YAML, which escapes such characters.
 */
export function rejectUnstorableText(api: AccountApi, adminUrl: string, tenants: KnownTenants): Threescale {
  return {
    ...api,
    checkTexts,
    signUp: (account) =>
      guard(
        {
          org_name: account.orgName,
          email: account.email,
          ...columns(account.fields, 'account'),
          ...columns(account.fields, 'user'),
        },
        () => isUser(account.username),
        () => api.signUp(account),
      ),
    createUser: (accountId, user) =>
      guard(
        { email: user.email, ...columns(user.fields, 'user') },
        () => isUser(user.username),
        () => api.createUser(accountId, user),
      ),
    updateUser: (accountId, userId, change) =>
      guard(
        { email: change.email, ...columns(change.fields, 'user') },
        async () => {
          const user = (await api.listUsers(accountId)).find(({ id }) => id === userId)
          return user !== undefined && isIn({ ...user, ...user.fields }, { ...change, ...change.fields })
        },
        () => api.updateUser(accountId, userId, change),
      ),
    updateAccount: (accountId, fields) =>
      guard(
        columns(fields, 'account'),
        async () => {
          const account = await api.readAccount(accountId)
          return isIn({ org_name: account.orgName, ...account.fields }, fields)
        },
        () => api.updateAccount(accountId, fields),
      ),
    createApplication: (accountId, application) =>
      guard(
        { name: application.name, description: application.description },
        async () =>
          (await api.listApplications(accountId)).some(
            ({ appId, userKey }) =>
              appId === application.applicationId || (userKey !== undefined && userKey === application.userKey),
          ),
        () => api.createApplication(accountId, application),
      ),
    updateApplication: (accountId, id, change) =>
      guard(
        { name: change.name, description: change.description },
        async () => {
          const { name, description } = change
          return isIn({ ...(await api.readApplication(accountId, id)) }, { name, description })
        },
        () => api.updateApplication(accountId, id, change),
      ),
  }

  async function checkTexts(texts: Texts): Promise<void> {
    const fields = errorsOf(texts)
    if (fields && (await tenants.get(adminUrl)).value) throw problem('invalid_fields', { fields })
  }

  /** `texts` are columns. `isStored` reads whether the write took effect although 3scale returned 500. */
  async function guard<T>(texts: Texts, isStored: () => Promise<boolean>, write: () => Promise<T>): Promise<T> {
    const fields = errorsOf(texts)
    if (!fields) return write()
    await checkTexts(texts)
    try {
      return await write()
    } catch (error) {
      if (responseStatus(error) !== 500 || !(await isTextTheReason(isStored))) throw error
      await tenants.put(adminUrl, true)
      throw problem('invalid_fields', { fields, cause: error })
    }
  }

  /** A stopped backend also returns 500, after 3scale has stored the row, and so does a 3scale that is down. */
  async function isTextTheReason(isStored: () => Promise<boolean>): Promise<boolean> {
    try {
      if (await isStored()) return false
      return await acceptsNul()
    } catch (error) {
      if (isProblem(error)) return false
      throw error
    }
  }

  /** A proxy in front of 3scale may reject the character itself. In that case a plain read decides. */
  async function acceptsNul(): Promise<boolean> {
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

/** A message for each text that contains such characters; undefined if none does. */
function errorsOf(texts: Texts): Record<string, string> | undefined {
  const errors = Object.entries(texts)
    .map(([name, text]) => [name, beyondBmp(text ?? '')] as const)
    .filter(([, characters]) => characters.length > 0)
    .map(([name, characters]) => [name, textMessages.unsupportedCharacters(characters)])
  return errors.length === 0 ? undefined : Object.fromEntries(errors)
}

/** The fields of a flat form that are columns of the record. */
function columns(fields: Record<string, string> = {}, target: FieldDefinition['target']): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => isBuiltIn(target, name)))
}

function isIn(record: Record<string, unknown>, change: Record<string, unknown>): boolean {
  return Object.entries(change).every(
    ([name, value]) => name === 'fields' || value === undefined || record[name] === value,
  )
}
