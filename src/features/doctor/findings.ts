import { gateway } from './codes/gateway.js'
import { offer } from './codes/offer.js'
import { people } from './codes/people.js'
import { run } from './codes/run.js'
import { places, type Rule, type Severity } from './codes/shape.js'
import { signIn } from './codes/sign-in.js'
import { surroundings } from './codes/surroundings.js'

/** Every code: public, and never reused. */
export const rules = { ...run, ...surroundings, ...signIn, ...people, ...gateway, ...offer }
export type FindingCode = keyof typeof rules

export interface Finding {
  code: FindingCode
  severity: Severity
  /** system name */
  product: string | null
  /** what was found, in a sentence */
  what: string
  why: string
  /** what to do about it */
  fix: string
  /** page of the admin portal where it is fixed */
  link: string | null
}

export interface Report {
  at: string
  /** false: something could not be checked, and a finding says what */
  complete: boolean
  products: number
  /** calls made: to 3scale and its back-end, to gateways and model servers, to the sign-in service */
  calls: number
  findings: Finding[]
}

/** A finding of that code. `what` is the sentence of the case, else the one of any tenant. */
export type Find = (code: FindingCode, about?: About) => Finding

export interface About {
  what?: string
  product?: NamedProduct
  /** what the link is about, where that is not the product */
  id?: number
}

export interface NamedProduct {
  id: number
  systemName: string
}

export function createFind(adminUrl: string): Find {
  return (code, { what, product, id = product?.id } = {}) => {
    const { severity, title, why, fix, place }: Rule = rules[code]
    const path = place && places[place].replace('{id}', String(id ?? ''))
    return {
      code,
      severity,
      product: product?.systemName ?? null,
      what: what ?? `${title}.`,
      why,
      fix,
      link: path ? adminUrl + path : null,
    }
  }
}

/** Whether everything could be checked. */
export function isComplete(findings: Finding[]): boolean {
  return !findings.some(({ code }) => (rules[code] as Rule).hides)
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
