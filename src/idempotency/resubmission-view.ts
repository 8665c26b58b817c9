/** The submitted values with a button that submits them again. */
export function resubmissionView(i: {
  title: string
  action: string
  back: string
  failure: string
  values: Record<string, string>
  /** labels of the visible fields; all others are hidden fields */
  labels: Record<string, string>
  button: string
}) {
  const entries = Object.entries(i.values)
  return {
    title: i.title,
    action: i.action,
    back: i.back,
    failure: i.failure,
    button: i.button,
    shown: entries
      .filter(([name]) => i.labels[name])
      .map(([name, value]) => ({ name, value, label: i.labels[name] ?? name })),
    hidden: entries.filter(([name]) => !i.labels[name]).map(([name, value]) => ({ name, value })),
  }
}
