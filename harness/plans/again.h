/* Stored records made again from their specs, and what differs then. */
#ifndef NLG_AGAIN_H
#define NLG_AGAIN_H

#include "harness/measures/measure.h"

/* Runs the spec of a record; its data lay where the record says. The lab is started, and may open test splits. Free the new record.
 */
nlg_status nlg_record_again(nlg_lab *lab, const nlg_record *stored, nlg_record *again, nlg_error *err);

/* The first difference in words, "" where status, digest, metrics and history are the same. Where the data lay is no difference,
 * nor is a time. */
enum { NLG_DIFFERENCE = 160 };
nlg_status nlg_record_compare(const nlg_record *stored, const nlg_record *again, char difference[NLG_DIFFERENCE], nlg_error *err);

#endif
