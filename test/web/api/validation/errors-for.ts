import { fieldErrors } from '../../../../src/web/api/validation/field-errors.js'
import { validatorCompiler } from '../../../../src/web/api/validation/schema-compilers.js'

/** The API's errors for a body or a query of that schema. */
export function errorsFor(schema: object, value: unknown, httpPart = 'body'): Record<string, string> {
  const result = validatorCompiler({ schema, httpPart, method: 'GET', url: '/' } as never)(value) as
    | { error?: object[] }
    | true
  return result === true ? {} : fieldErrors(result.error ?? [])
}
