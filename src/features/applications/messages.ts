export const applicationErrors = {
  keyReplaced:
    'An application was created with this Idempotency-Key, and its key was replaced later. Find it in your list of applications.',
}

export const fieldErrors = {
  required: 'This field is required.',
  labelRequired: (label: string) => `${label} is required.`,
  choices: (label: string, choices: string[]) => `${label} must be one of: ${choices.join(', ')}.`,
  unknown: 'This field does not exist.',
  notEditable: (label: string) => `${label} is set by the operator. Send the current value or omit it.`,
  notSettable: (label: string) => `${label} is set by the operator. Omit it.`,
  noDescription: 'This portal does not store descriptions of applications. Omit the description.',
}
