export const resubmissionMessages = {
  resultDeleted:
    'The result of this form was deleted, so nothing was created. Submit the form again to create it once more.',
}

export const invalidIdempotencyKey = 'Use 1 to 255 visible ASCII characters.'
