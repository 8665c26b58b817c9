import { gateway } from './codes/gateway.js'
import { offer } from './codes/offer.js'
import { places, type Rule, type Severity } from './codes/shape.js'
import { surroundings } from './codes/surroundings.js'

/** Every code: public, and never reused. */
export const rules = { ...surroundings, ...gateway, ...offer }
export type FindingCode = keyof typeof rules

export interface Finding {
  code: FindingCode
  severity: Severity
  /** system name */
  product: string | null
  /** what was found, in a sentence */
  what: string
  why: string
  mend: string
  /** page of the admin portal where it is mended */
  link: string | null
}

export interface Report {
  at: string
  /** false: something could not be looked at, so that nothing found means little */
  complete: boolean
  products: number
  /** calls made: to 3scale, to gateways and model servers, to the sign-in service */
  calls: number
  findings: Finding[]
}

/** A finding of that code. `what` is the sentence of the case, else the one of any tenant. */
export type Find = (code: FindingCode, about?: { what?: string; product?: Named }) => Finding

interface Named {
  id: number
  systemName: string
}

export function createFind(adminUrl: string): Find {
  return (code, { what, product } = {}) => {
    const { severity, when, why, mend, place }: Rule = rules[code]
    const path = place && places[place].replace('{id}', String(product?.id ?? ''))
    return {
      code,
      severity,
      product: product?.systemName ?? null,
      what: what ?? `${when}.`,
      why,
      mend,
      link: path ? adminUrl + path : null,
    }
  }
}

const codes = Object.keys(rules)
const order: Severity[] = ['error', 'warning', 'info']

/** The worst first; codes in the order of the table, what is about everything before what is about products. */
export function sorted(findings: Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      order.indexOf(a.severity) - order.indexOf(b.severity) ||
      codes.indexOf(a.code) - codes.indexOf(b.code) ||
      (a.product ?? '').localeCompare(b.product ?? ''),
  )
}
