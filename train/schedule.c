/* Learning rate schedules, on own cosine and power. Steps count from the start of training, warm-up included. */
#include "layers/base/dmath.h"
#include "train/train.h"

double nlg_schedule_at(const nlg_schedule *s, int64_t step) {
    if (step < s->warmup_steps) return s->lr * (double)(step + 1) / (double)s->warmup_steps;
    double every = s->step_every > 0 ? (double)s->step_every : 1.0;
    switch (s->kind) {
    case NLG_STEP: {
        double rate = s->lr;
        for (int64_t drops = s->step_every > 0 ? step / s->step_every : 0; drops > 0; drops--) rate *= s->factor;
        return rate;
    }
    case NLG_EXPONENTIAL:
        return s->lr * nlg_pow(s->factor, (double)step / every);
    case NLG_COSINE: {
        int64_t length = s->steps - s->warmup_steps, done = step - s->warmup_steps;
        double part = length > 0 && done < length ? (double)done / (double)length : 1.0;
        return s->final_lr + (s->lr - s->final_lr) * 0.5 * (1.0 + nlg_cos(3.141592653589793 * part));
    }
    case NLG_CONSTANT:
        break;
    }
    return s->lr;
}
