/* What an STSG model says of itself. */
#include <stddef.h>

#include "stsg.h"

/* Whether streams and statistics have the tables that pooling reads. */
static int speaks(const bf_stsg *m)
{
    const bf_pooling *p = &m->is.pooling;
    int fine = p->statistics == 0.0f || !p->unit_length || m->is.statistics_mean != NULL;
    for (int32_t i = 0; fine && i < m->is.n_streams; ++i) {
        const bf_token_stream *s = &m->streams[i].is;
        fine = (p->kind != BF_WEIGHTS_TF_IDF || s->idf != NULL) &&
               (p->embedding == 0.0f ||
                (s->dim > 0 && (!p->unit_length || s->embedding_mean != NULL)));
    }
    return fine;
}

static int hears(const bf_stsg *m)
{
    int fine = m->is.n_streams > 0;
    for (int32_t i = 0; fine && i < m->is.n_streams; ++i) {
        fine = m->streams[i].is.codebook != NULL;
    }
    return fine;
}

int32_t bf_stsg_can(const bf_stsg *model, bf_ability ability)
{
    switch (ability) {
    case BF_CAN_DESCRIBE:
        return hears(model);
    case BF_CAN_POOL:
        return speaks(model);
    case BF_CAN_JUDGE:
        return model->n_classes > 0;
    default:
        return model->is.spectrogram != NULL && hears(model) && speaks(model) &&
               model->n_classes > 0;
    }
}

int32_t bf_stsg_rate_hz(const bf_stsg *model)
{
    return model->is.rate_hz;
}

int64_t bf_stsg_window_samples(const bf_stsg *model)
{
    return model->is.window_samples;
}

int32_t bf_stsg_n_classes(const bf_stsg *model)
{
    return model->n_classes;
}

int32_t bf_stsg_n_embedding(const bf_stsg *model)
{
    return model->n_embedding;
}

int32_t bf_stsg_n_tokens(const bf_stsg *model)
{
    return model->n_tokens;
}

int32_t bf_stsg_n_bands(const bf_stsg *model)
{
    return model->is.n_bands;
}

bf_activation bf_stsg_activation(const bf_stsg *model)
{
    return model->is.activation;
}

const char *bf_stsg_class_name(const bf_stsg *model, int32_t i)
{
    const int known = model->is.class_names != NULL && i >= 0 && i < model->n_classes;
    return known ? model->is.class_names[i] : "";
}

double bf_stsg_threshold(const bf_stsg *model, int32_t i)
{
    const int known = model->is.thresholds != NULL && i >= 0 && i < model->n_classes;
    return known ? model->is.thresholds[i] : -1.0;
}
